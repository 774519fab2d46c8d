//! flowork-components
