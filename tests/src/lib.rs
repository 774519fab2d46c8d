//! flowork-tests
