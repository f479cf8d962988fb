import { ExchangeList } from './exchange-list.tsx'
import { ExchangeView } from './exchange-view.tsx'
import { KeyForm } from './key-form.tsx'
import { KEYS } from './keyboard.ts'
import { NoticeBar } from './notice-bar.tsx'
import { connection, toast } from './state.ts'
import { TextDialog } from './text-dialog.tsx'
import { Toolbar } from './toolbar.tsx'

export function App() {
  if (connection.value === 'denied') return <KeyForm />
  return (
    <>
      <Toolbar />
      <NoticeBar />
      <main>
        <ExchangeList />
        <ExchangeView />
      </main>
      <footer>
        {KEYS.map(([keys, what]) => (
          <span key={keys}>
            <kbd>{keys}</kbd> {what}
          </span>
        ))}
      </footer>
      <div class="toasts" role="status" aria-live="polite">
        {toast.value !== null && (
          <p class={toast.value.isBad ? 'toast bad' : 'toast'}>{toast.value.text}</p>
        )}
      </div>
      <TextDialog />
    </>
  )
}
