//! From a manifest to a plan, without a network.

mod manifest;
mod selection;
