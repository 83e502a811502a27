//! What is said where: lines for people, lines for programs, files.

mod faces;
mod junit;
mod layout;
mod output;
pub mod page;
mod sheet;
