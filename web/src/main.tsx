import 'uplot/dist/uPlot.min.css';
import './palette.css';
import './style.css';
import { render } from 'preact';
import { App } from './app.js';
import { token } from './api.js';
import { startLive } from './live.js';

/** `#token=…` opens the page with changes allowed; it does not stay in the address, and never goes to a server. */
const [, given] = /^#token=(\S+)$/.exec(location.hash) ?? [];
if (given !== undefined) {
  token.value = decodeURIComponent(given);
  location.replace('#/pool');
}

const place = document.getElementById('app');
if (place !== null) {
  place.replaceChildren();
  render(<App />, place);
  startLive();
}
