//! Tests of the identification stage.
