/**
 * A page that has tiles: their element is there before the page hands out what it carries.
 */

import "./tiles.js";
import "./page.js";
