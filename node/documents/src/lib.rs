//! flowork-documents
