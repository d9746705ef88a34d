using System.Buffers;
using System.Text;

namespace Formation.Inference.Engine.Tokenization;

/// <summary>
/// Turns token ids into text as they come. A character that is split over several tokens appears with the last of them; bytes that can't
/// be part of a character any more appear as U+FFFD. All texts together equal the decoding of all ids at once.
/// </summary>
/// <remarks>Belongs to one sequence, not thread-safe.</remarks>
/// <param name="renderControl">Whether control tokens show as their names.</param>
/// <param name="startsText">
/// Whether the ids start a text, so that SentencePiece's space in front of it is left out. False where they continue one, as generated
/// tokens continue a prompt.
/// </param>
/// <param name="shown">Control tokens that show as their names all the same, or null.</param>
public sealed class StreamingDetokenizer(
    Tokenizer tokenizer, bool renderControl = false, bool startsText = false, IReadOnlySet<int>? shown = null)
{
    readonly byte[] _pending = new byte[4];
    int _pendingLength;
    bool _dropsSpace = startsText && tokenizer.AddsSpacePrefix;

    /// <summary>Appends a token and returns the text that is certain now; often empty.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is not one of the vocabulary.</exception>
    public string Append(int id)
    {
        ReadOnlySpan<byte> bytes = tokenizer.TokenBytes(id).Span;
        bool isRendered = renderControl || tokenizer.IsRendered(id) || shown?.Contains(id) == true;
        bool dropsSpace = _dropsSpace;
        _dropsSpace = dropsSpace && !isRendered;
        if (!isRendered || bytes.IsEmpty) return "";
        if (dropsSpace && bytes[0] == ' ') bytes = bytes[1..];
        return Decode(bytes);
    }

    /// <summary>The end of the text: what is left of an unfinished character, as U+FFFD. More tokens may follow as a new text.</summary>
    public string Flush()
    {
        int length = _pendingLength;
        _pendingLength = 0;
        return Encoding.UTF8.GetString(_pending, 0, length);
    }

    string Decode(ReadOnlySpan<byte> bytes)
    {
        if (_pendingLength == 0 && CompleteLength(bytes) == bytes.Length) return Encoding.UTF8.GetString(bytes);

        var text = new StringBuilder(bytes.Length);
        while (_pendingLength > 0 && !bytes.IsEmpty)
        {
            _pending[_pendingLength++] = bytes[0];
            OperationStatus status = Rune.DecodeFromUtf8(_pending.AsSpan(0, _pendingLength), out Rune rune, out int consumed);
            if (status == OperationStatus.NeedMoreData)
            {
                bytes = bytes[1..];
                continue;
            }
            text.Append(rune.ToString());
            // An invalid sequence may end before the byte that showed it; that byte starts the next one.
            if (consumed == _pendingLength) bytes = bytes[1..];
            _pendingLength = 0;
        }
        int complete = CompleteLength(bytes);
        text.Append(Encoding.UTF8.GetString(bytes[..complete]));
        bytes[complete..].CopyTo(_pending.AsSpan(_pendingLength));
        _pendingLength += bytes.Length - complete;
        return text.ToString();
    }

    /// <summary>Length without the start of a character at the end that more bytes could complete.</summary>
    static int CompleteLength(ReadOnlySpan<byte> bytes)
    {
        for (int tail = 1; tail <= Math.Min(3, bytes.Length); tail++)
        {
            if (Rune.DecodeFromUtf8(bytes[^tail..], out _, out _) == OperationStatus.NeedMoreData) return bytes.Length - tail;
        }
        return bytes.Length;
    }
}
