//! What administrators' tools see beside people and blueprints.

mod audit;
mod bound;
mod notifications;
mod searched;
