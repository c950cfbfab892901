//! What pages outside of flows are made with: who asks, the frame of the brand, answers that browsers understand.

pub use crate::json::{Arrived, arrive};
pub use crate::page::{dead_link, error_page, found, html, see_other, shell};
