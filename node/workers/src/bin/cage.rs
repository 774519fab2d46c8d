//! The cage as a program of its own, for tests and the benchmark. The node's binary calls the same function.

fn main() {
    flowork_workers::cage_main(&[])
}
