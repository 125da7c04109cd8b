//! What existing peers said to each other (`tests/vectors`), said again to the parts of this
//! project, at every cut.

mod endpoints;
mod forwarding;
mod play;
mod recording;
mod wire;
