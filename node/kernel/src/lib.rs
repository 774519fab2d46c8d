//! flowork-kernel
