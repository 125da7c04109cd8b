//! The page of `peote-relay --try` in a real browser.

use crate::chromium::Chromium;
use crate::running::Running;

#[test]
fn one_command_shows_a_chat_and_figures() {
    let mut relay = Running::start("peote-relay", &["--try"]);
    let said = relay.expect("try it: ");
    let mut chromium = Chromium::start();
    let page = chromium.open(said.trim_start_matches("try it: "));

    // both enter by themselves, and one sees the other
    let inside = |id: &str, expression: &str| {
        format!("(({{contentDocument: d}}) => {expression})(document.querySelector('#{id}'))")
    };
    for id in ["anna", "bob"] {
        chromium.wait_for(&page, &inside(id, "d.querySelector('#status')?.dataset.state == 'open'"));
        chromium.wait_for(&page, &inside(id, "d.querySelectorAll('#people li').length == 2"));
    }
    let say = "(d.querySelector('#text').value = 'hello', d.querySelector('#say').requestSubmit())";
    chromium.evaluate(&page, &inside("anna", say));
    let heard = "[...d.querySelectorAll('#messages li')].some(li => \
                 li.dataset.from == 'anna' && li.querySelector('.text').textContent == 'hello')";
    chromium.wait_for(&page, &inside("bob", heard));

    // the figures follow
    let total = |name: &str, value: u32| {
        format!(
            "[...document.querySelectorAll('#totals div')].some(one => one.firstChild.textContent == \
             {name:?} && one.lastChild.textContent == '{value}')"
        )
    };
    chromium.wait_for(&page, &total("connections", 2));
    chromium.wait_for(&page, &total("channels", 1));
    chromium.wait_for(&page, "document.querySelector('#channels td')?.textContent");
    chromium.wait_for(&page, "document.querySelectorAll('#connections tr').length == 2");

    // at several widths nothing is cut
    for (width, height) in [(1280, 900), (600, 800), (320, 568)] {
        chromium.resize(&page, width, height);
        let wide = "document.documentElement.scrollWidth > innerWidth";
        assert_eq!(chromium.evaluate(&page, wide), false, "{width}");
    }
    relay.process.kill().unwrap();
    chromium.wait_for(&page, "document.querySelector('#problem').textContent.startsWith('No figures: ')");
    assert_eq!(chromium.complaints, Vec::<String>::new());
}
