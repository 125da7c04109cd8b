//! A whiteboard that several people draw on, by remote procedure calls in both directions.
//!
//! The two traits below are all that both ends have to agree on: [`Board`] is what a server lets
//! its users call, [`Screen`] what each user lets the server call. A user draws by calling the
//! server; the server tells everybody by calling them. Between one server and one user calls arrive
//! in the order in which they were made, so all copies of the picture become the same.

mod picture;
mod server;
mod user;

pub use picture::{HEIGHT, Picture, WIDTH};
pub use server::Server;
pub use user::User;

use peote_net::link::SendError;
use peote_net::rpc::{Context, remote};
use peote_net::value::List;

/// The channel's name, unless another one is asked for.
pub const CHANNEL: &str = "whiteboard";

/// The number of the server's object.
pub const BOARD: u8 = 0;

/// The number of each user's object.
pub const SCREEN: u8 = 0;

/// What a server lets its users do. Every procedure answers by a call back, so each has a context.
#[remote]
pub trait Board {
    /// Joins, once, with a name of up to 24 characters; the answer is the whole picture. What the
    /// others call of a user that has not joined is passed over.
    ///
    /// # Errors
    /// There is no room for the answer: it is called again.
    fn join(&mut self, context: &mut Context<'_>, name: &str) -> Result<(), SendError>;

    /// Draws points of one colour: `x, y, x, y …`. Everybody is told, the one that draws as well.
    ///
    /// # Errors
    /// There is no room for the answer: it is called again.
    fn draw(&mut self, context: &mut Context<'_>, points: List<'_, u16>, colour: u8)
    -> Result<(), SendError>;

    /// This user has drawn all it wants to. Once all have, everybody is told how the picture should
    /// look.
    ///
    /// # Errors
    /// There is no room for the answer: it is called again.
    fn finish(&mut self, context: &mut Context<'_>) -> Result<(), SendError>;
}

/// What a user lets the server do.
#[remote]
pub trait Screen {
    /// The whole picture so far, row by row, and who is there.
    fn picture(&mut self, rows: List<'_, &[u8]>, names: List<'_, &str>);

    /// Somebody has drawn.
    fn drawn(&mut self, points: List<'_, u16>, colour: u8);

    /// Nobody draws any more: the digest of the server's picture.
    fn finished(&mut self, digest: i32);
}
