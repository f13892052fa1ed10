import './tokens.css';
import './layout.css';
import './controls.css';
import './panels.css';
import './collections.css';
import './limits.css';
