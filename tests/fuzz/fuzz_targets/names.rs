//! See `buildbook_tests::properties::check_names`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| buildbook_tests::properties::check_names(bytes));
