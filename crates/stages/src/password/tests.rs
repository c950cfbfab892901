//! Tests of the password stage.
