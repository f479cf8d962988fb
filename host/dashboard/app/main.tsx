import { render } from 'preact'
import { takeKey } from './api.ts'
import { App } from './app.tsx'
import { listenToKeys } from './keyboard.ts'
import { follow } from './state.ts'
import './style.css'

takeKey()
const root = document.getElementById('app')
if (root !== null) render(<App />, root)
listenToKeys()
void follow()
