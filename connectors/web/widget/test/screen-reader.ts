// For tests/browser/test_screen_reader.py: a screen reader inside the page, bundled and put in by the test.
import { virtual } from "@guidepup/virtual-screen-reader";

Object.assign(window, { virtual });
