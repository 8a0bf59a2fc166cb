/** What the bench's client signs with, and the proxy under test verifies. */
export const CLIENT = {
  accessKeyId: 'BENCHCLIENT',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}

export const REGION = 'us-east-1'
