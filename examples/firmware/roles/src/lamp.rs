//! What a board and those around it call of each other. `peote-interface` makes the JavaScript of
//! it.

use peote_net::rpc::remote;
use peote_net::value::List;

/// The number of the lamp among a board's objects.
pub(crate) const LAMP: u8 = 0;
/// The number of the panel among the objects of others.
pub(crate) const PANEL: u8 = 2;

/// A lamp, which a board has.
#[remote]
pub(crate) trait Lamp {
    /// Sets the brightness, in percent.
    fn set(&mut self, level: u8);
    /// Returns the brightness, in percent.
    fn level(&self) -> u8;
    /// Sets the average of some levels, and returns it. None if there are none.
    fn average(&mut self, levels: List<'_, u8>) -> Option<u8>;
}

/// A panel with a button, which those have that are joined to the lamp.
#[remote]
pub(crate) trait Panel {
    /// Shows the brightness. Returns how often the button was pressed.
    fn show(&mut self, level: u8) -> u32;
}
