from playwright.sync_api import sync_playwright
from datetime import timedelta
import shutil

FLAGS = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run"


def test_a(start):
    s = start()
    p = s.have_letters(s.enroll(), 8)
    q = s.enroll("joe@example.net")
    s.run()
    asked = s.enroll("ask@example.net", confirmed=False)
    r = s.enroll("p@example.net")
    s.run()
    s.post(s.my(r) + "/pause", {"weeks": "open"})
    pages = {
        "front": "/",
        "care": "/care",
        "my": s.my(p),
        "mynew": s.my(asked),
        "pause": s.my(p) + "/pause",
        "paused": s.my(r) + "/pause",
        "settings": s.my(p) + "/settings",
        "rough": s.my(p) + "/rough",
        "leave": s.leave(p),
        "letter": s.my(p) + "/letters/welcome",
        "404": "/x",
        "nobody": "/leave/x",
        "confirm": "/confirm/" + s.deployment.service_token("", asked.public_id),
    }
    posts = {
        "left": (s.leave(q), {}),
        "saved": (
            s.my(p) + "/settings",
            {"weekday": "thu", "send_at": "18:00", "zone": "America/New_York", "pace": "2", "length": "short"},
        ),
        "fault": (
            s.my(p) + "/settings",
            {"weekday": "thu", "send_at": "23:00", "zone": "Nowhere", "pace": "1", "length": "full"},
        ),
        "undone": (s.leave(q) + "/undo", {}),
        "stayed": (s.leave(p) + "/slower", {}),
        "confirmed": (pages["confirm"], {}),
    }
    with sync_playwright() as pw:
        b = pw.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS.split())
        for scheme in ("light", "dark"):
            for w, h in ((320, 640), (1000, 800)):
                c = b.new_context(viewport={"width": w, "height": h}, color_scheme=scheme, java_script_enabled=True)
                page = c.new_page()
                for name, path in pages.items():
                    page.goto(s.url + path)
                    over = page.evaluate("document.documentElement.scrollWidth")
                    if over > w:
                        print("OVERFLOW", name, w, over)
                    page.screenshot(path=f"/tmp/shots/{name}-{w}-{scheme}.png", full_page=True)
                for name, (path, f) in posts.items():
                    page.goto(s.url + "/care")
                    body = s.post(path, f)
                    page.route(
                        s.url + "/shown",
                        lambda r: r.fulfill(
                            status=200,
                            body=body.data,
                            headers={
                                "content-type": "text/html",
                                "content-security-policy": body.headers["content-security-policy"],
                            },
                        ),
                    )
                    page.goto(s.url + "/shown")
                    page.unroute(s.url + "/shown")
                    if name in ("left", "undone"):
                        print(name, body.status)
                    page.screenshot(path=f"/tmp/shots/{name}-{w}-{scheme}.png", full_page=True)
                c.close()
        b.close()
