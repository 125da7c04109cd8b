//! Passing over what is not wanted: every kind of value, however deep, without a function that
//! calls itself.

use super::{Deserializer, NO_VALUE};
use crate::Error;

impl<const N: usize> Deserializer<'_, N> {
    /// Passes over a value.
    pub(super) fn skip(&mut self) -> Result<(), Error> {
        self.pass(0, 1)
    }

    /// Passes over what is left of an object whose sign (and class) was read.
    pub(super) fn skip_fields(&mut self) -> Result<(), Error> {
        self.pass(1, 1)
    }

    /// Passes over values until `open` lists, maps and objects have ended, and `left` values
    /// outside of any.
    ///
    /// What is inside of them matters only as far as it says where they end.
    fn pass(&mut self, mut open: usize, mut left: usize) -> Result<(), Error> {
        loop {
            match self.text.next()? {
                b'n' | b't' | b'f' | b'z' | b'k' | b'm' | b'p' => {}
                b'i' | b'd' | b'u' | b'r' => self.text.pass_number()?,
                b'v' => self.text.pass_date()?,
                b's' => drop(self.text.counted()?),
                sign @ (b'y' | b'R') => self.pass_string(sign)?,
                b'A' | b'B' => self.pass_name()?,
                b'a' | b'l' | b'o' | b'b' | b'q' | b'M' => {
                    open = open.saturating_add(1);
                    continue;
                }
                b'c' | b'C' => {
                    self.pass_name()?;
                    open = open.saturating_add(1);
                    continue;
                }
                sign @ (b'w' | b'j') => {
                    let arguments = self.pass_constructor(sign)?;
                    if open == 0 {
                        left = left.saturating_add(arguments);
                    }
                }
                // the value that was thrown
                b'x' => left = left.saturating_add(usize::from(open == 0)),
                // the key of an IntMap
                b':' if open > 0 => {
                    self.text.pass_number()?;
                    continue;
                }
                b'g' | b'h' if open > 0 => open = open.saturating_sub(1),
                _ => return Err(NO_VALUE),
            }
            if open == 0 {
                left = left.saturating_sub(1);
                if left == 0 {
                    return Ok(());
                }
            }
        }
    }

    /// Passes over the start of an enum; returns how many arguments follow.
    fn pass_constructor(&mut self, sign: u8) -> Result<usize, Error> {
        self.pass_name()?;
        if sign == b'w' {
            self.pass_name()?;
        } else {
            self.text.expect(b':')?;
            self.text.count()?;
        }
        self.text.expect(b':')?;
        self.text.count()
    }

    fn pass_name(&mut self) -> Result<(), Error> {
        let sign = self.text.next()?;
        self.pass_string(sign)
    }
}
