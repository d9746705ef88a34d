using System.Security.Cryptography;
using System.Text;
using Formation.Inference.Storage;

namespace Formation.Inference.Accounts.Keys;

/// <summary>
/// A random value beside the database that goes into every stored hash, so that a copy of the database alone is of no use. Keys hold
/// 256 random bits, which nobody can guess: a fast hash is enough, and a slow one would only cost time on every request.
/// </summary>
internal sealed class KeyPepper
{
    const int Length = 32;
    readonly byte[] _value;
    readonly string _path;

    KeyPepper(byte[] value, string path)
    {
        _value = value;
        _path = path;
        Proof = new PepperProof(HMACSHA256.HashData(value, "accounts.pepper"u8), Origin(path));
    }

    /// <summary>Tells this pepper from others without giving it away.</summary>
    internal PepperProof Proof { get; }

    /// <summary>HMAC-SHA256 of a key's text.</summary>
    internal byte[] Hash(string key) => HMACSHA256.HashData(_value, Encoding.UTF8.GetBytes(key));

    /// <summary>A key for what is kept besides API keys; nothing of the pepper can be told from it.</summary>
    internal ContentKey ContentKey() => new(HKDF.Extract(HashAlgorithmName.SHA256, _value, "formation.contents"u8.ToArray()));

    /// <exception cref="InvalidDataException">The stored keys depend on another pepper.</exception>
    internal void CheckAgainst(PepperProof? stored)
    {
        if (stored is not null && !CryptographicOperations.FixedTimeEquals(stored.Proof, Proof.Proof))
            throw new InvalidDataException(
                $"The key file '{_path}' is another one than that which the API keys in the database depend on. Copy that one over it: "
                + $"it was at {stored.Origin} when the first key was made, and every gateway on the database has it.");
    }

    /// <summary>Reads the file, or makes it where <paramref name="mayCreate"/> says that no key depends on it yet.</summary>
    /// <exception cref="InvalidDataException">It is missing though keys exist, or has the wrong length.</exception>
    internal static KeyPepper LoadOrCreate(string path, bool mayCreate, string? origin)
    {
        if (!File.Exists(path))
        {
            if (!mayCreate)
                throw new InvalidDataException(
                    $"The key file '{path}' is missing, and without it none of the stored API keys can be checked. Restore it from a copy, or copy "
                    + $"it from another gateway on the same database: it was at {origin ?? Origin(path)} when the first key was made.");
            // Another server on the same folder may be first: then its value counts.
            FirstFile.TryCreate(path, RandomNumberGenerator.GetBytes(Length), PrivateFile.OwnerOnly);
        }

        byte[] value = File.ReadAllBytes(path);
        return value.Length == Length
            ? new KeyPepper(value, path)
            : throw new InvalidDataException(
                $"The key file '{path}' has {value.Length} bytes instead of {Length}. Restore it from a copy.");
    }

    static string Origin(string path) => $"{Environment.MachineName}:{Path.GetFullPath(path)}";
}
