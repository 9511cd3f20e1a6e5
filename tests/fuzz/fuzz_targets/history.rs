//! See `buildbook_tests::properties::check_history`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| buildbook_tests::properties::check_history(bytes));
