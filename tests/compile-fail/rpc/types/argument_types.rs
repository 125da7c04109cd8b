//! Arguments that are no typed values.

use peote_net::rpc::remote;
use peote_net::value::List;

struct Point;

#[remote]
trait Board {
    fn draw(&mut self, point: Point);
    fn lines(&mut self, points: List<'_, usize>);
    fn numbers(&mut self, numbers: &[i32]);
}

fn main() {}
