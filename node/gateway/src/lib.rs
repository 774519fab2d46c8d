//! flowork-gateway
