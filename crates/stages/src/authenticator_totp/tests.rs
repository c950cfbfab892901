//! Tests of the stage that gives recovery codes.
