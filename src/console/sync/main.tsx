import '../styles/all.ts';
import { render } from 'preact';
import { SyncPage } from './page.tsx';

const root = document.getElementById('app');
if (root) render(<SyncPage />, root);
