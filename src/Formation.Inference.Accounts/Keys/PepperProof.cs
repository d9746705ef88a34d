namespace Formation.Inference.Accounts.Keys;

/// <summary>What the database says of the pepper, which is not in it.</summary>
/// <param name="Proof">HMAC of a fixed text: two peppers that give the same are the same.</param>
/// <param name="Origin">The machine and file where it was when the first key was made, for people.</param>
internal sealed record PepperProof(byte[] Proof, string Origin);
