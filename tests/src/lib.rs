//! Pretend caches and other support for tests.
