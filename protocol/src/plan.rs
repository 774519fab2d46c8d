//! A preset as a graph.
