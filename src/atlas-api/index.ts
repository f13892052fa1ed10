export { registerAtlasApi } from './register.ts';
