//! The buildbook program: the batch runner and the operator's commands
fn main() {}
