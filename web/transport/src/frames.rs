//! The frames of a page.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::Window;

use crate::WebError;

/// Calls `frame` before each repaint of the page, until it returns `false`. Returns at once: a page
/// may not wait. A page in the background has few frames or none.
///
/// # Errors
///
/// This program does not run in a page.
pub fn each_frame(mut frame: impl FnMut() -> bool + 'static) -> Result<(), WebError> {
    let window: Window = js_sys::global().dyn_into().map_err(|_| WebError::NoPage)?;
    let next = Rc::new(RefCell::new(None::<Closure<dyn FnMut()>>));
    let (of, page) = (Rc::clone(&next), window.clone());
    *next.borrow_mut() = Some(Closure::new(move || {
        if frame() {
            ask(&page, &of);
        }
    }));
    ask(&window, &next);
    Ok(())
}

fn ask(window: &Window, next: &RefCell<Option<Closure<dyn FnMut()>>>) {
    if let Some(closure) = &*next.borrow() {
        // fails only for something that is no function
        let _ = window.request_animation_frame(closure.as_ref().unchecked_ref());
    }
}
