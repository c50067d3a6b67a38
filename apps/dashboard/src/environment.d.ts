interface ImportMetaEnv {
  /** The version of Holdfast the page was built of. */
  readonly HOLDFAST_VERSION: string
}
