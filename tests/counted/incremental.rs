//! The index that knows what it read before.
