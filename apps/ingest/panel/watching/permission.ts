/** Whether this page may show notifications; `missing` where the browser has none. */
export function permission(): NotificationPermission | 'missing' {
  return 'Notification' in window ? Notification.permission : 'missing'
}
