//! Schemas of challenges, for the OpenAPI document.
