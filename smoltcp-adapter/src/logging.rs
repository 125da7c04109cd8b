//! One macro for each level, which goes to `defmt`, to `log`, or nowhere, by feature.

macro_rules! log_at {
    ($level:ident, $format:literal $(, $value:expr)* $(,)?) => {{
        #[cfg(feature = "defmt")]
        ::defmt::$level!($format $(, $value)*);
        #[cfg(all(feature = "log", not(feature = "defmt")))]
        ::log::$level!($format $(, $value)*);
        #[cfg(not(any(feature = "log", feature = "defmt")))]
        { let _ = ($(&$value,)*); }
    }};
}

macro_rules! info {
    ($($rest:tt)*) => { log_at!(info, $($rest)*) };
}

macro_rules! warning {
    ($($rest:tt)*) => { log_at!(warn, $($rest)*) };
}
