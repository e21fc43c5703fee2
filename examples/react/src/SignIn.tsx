import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { client, meQuery, queries } from './api.ts'
import { sentenceOf } from './sentence.ts'

const enter = (form: FormData) => {
  const text = (name: string) => String(form.get(name) ?? '')
  const credentials = { email: text('email'), password: text('password') }
  return form.has('name')
    ? client.auth.register({ ...credentials, name: text('name') })
    : client.auth.login(credentials)
}

/** Signs in, or opens an account and signs in: the client keeps the session of both. */
export const SignIn = () => {
  const [isNew, setNew] = useState(false)
  const { mutate, isPending, error, reset } = useMutation({
    mutationFn: enter,
    onSuccess: ({ user }) => queries.setQueryData(meQuery.queryKey, user),
  })
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    mutate(new FormData(event.currentTarget))
  }
  const turn = () => {
    reset()
    setNew(!isNew)
  }
  const fields = error?.fields ?? {}
  return (
    <form className="card" onSubmit={submit} noValidate>
      <h1>{isNew ? 'Open an account' : 'Sign in'}</h1>
      {isNew && <Field name="name" label="Name" autoComplete="name" problem={fields.name} />}
      <Field name="email" label="E-mail" type="email" autoComplete="username" problem={fields.email} />
      <Field
        name="password"
        label="Password"
        type="password"
        autoComplete={isNew ? 'new-password' : 'current-password'}
        problem={fields.password}
      />
      {error && <p role="alert">{sentenceOf(error)}</p>}
      <button type="submit" disabled={isPending}>
        {isNew ? 'Open' : 'Sign in'}
      </button>
      <button type="button" className="plain" onClick={turn}>
        {isNew ? 'I have an account' : 'I have no account yet'}
      </button>
    </form>
  )
}

interface FieldProps {
  readonly name: string
  readonly label: string
  readonly type?: string
  readonly autoComplete: string
  /** What the server says is wrong with it. */
  readonly problem: string | undefined
}

const Field = ({ label, problem, ...input }: FieldProps) => (
  <label>
    {label}
    <input {...input} aria-invalid={problem !== undefined} />
    {problem && <small>{problem}</small>}
  </label>
)
