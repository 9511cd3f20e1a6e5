//! Pure helpers of a batch build: substring search, compiler lookup, build log classification
