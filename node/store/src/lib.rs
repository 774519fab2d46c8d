//! flowork-store
