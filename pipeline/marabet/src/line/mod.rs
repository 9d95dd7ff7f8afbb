//! The line put together: sources and stages over one log.

pub(crate) mod alerts;
pub(crate) mod faces;
pub(crate) mod feeder;
pub(crate) mod open;
pub(crate) mod past;
pub(crate) mod pure;
pub(crate) mod restart;
pub(crate) mod stages;

pub(crate) use marabet_views::readback;
