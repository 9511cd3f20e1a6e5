//! Where every package stands, and what changed since the last run
