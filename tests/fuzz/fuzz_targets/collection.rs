//! See `buildbook_tests::properties::check_collection`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| buildbook_tests::properties::check_collection(bytes));
