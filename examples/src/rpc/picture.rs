//! The picture, of which server and users have a copy each.

use std::fmt;

use peote_net::value::List;

/// Columns.
pub const WIDTH: u16 = 64;
/// Rows.
pub const HEIGHT: u16 = 16;

/// A picture of one byte a point; 0 is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    points: Vec<u8>,
}

impl Default for Picture {
    fn default() -> Self {
        Self { points: vec![0; usize::from(WIDTH) * usize::from(HEIGHT)] }
    }
}

impl Picture {
    /// Draws a point; one that is outside is left out.
    pub fn draw(&mut self, x: u16, y: u16, colour: u8) {
        if x < WIDTH && y < HEIGHT {
            self.points[usize::from(y) * usize::from(WIDTH) + usize::from(x)] = colour;
        }
    }

    /// Draws points `x, y, x, y …`.
    pub fn draw_all(&mut self, points: impl IntoIterator<Item = u16>, colour: u8) {
        let mut points = points.into_iter();
        while let (Some(x), Some(y)) = (points.next(), points.next()) {
            self.draw(x, y, colour);
        }
    }

    /// The rows, from the top.
    pub fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.points.chunks(WIDTH.into())
    }

    /// Takes over rows; what does not fit is left out.
    pub fn set_rows(&mut self, rows: List<'_, &[u8]>) {
        for (own, row) in self.points.chunks_mut(WIDTH.into()).zip(rows) {
            let len = own.len().min(row.len());
            own[..len].copy_from_slice(&row[..len]);
        }
    }

    /// A number that two pictures share only if they are the same, as good as (FNV-1a).
    #[must_use]
    pub fn digest(&self) -> i32 {
        let hash = self
            .points
            .iter()
            .fold(0x811c_9dc5_u32, |hash, point| (hash ^ u32::from(*point)).wrapping_mul(0x0100_0193));
        i32::from_le_bytes(hash.to_le_bytes())
    }
}

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in self.rows() {
            let row: String = row
                .iter()
                .map(|colour| if *colour == 0 { '.' } else { char::from(b'a' + (colour - 1) % 26) })
                .collect();
            writeln!(f, "{row}")?;
        }
        Ok(())
    }
}
