//! One lock per build in progress, and who holds it
