//! Decide what nothing needs any more, then remove exactly that
