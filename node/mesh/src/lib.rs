//! flowork-mesh
