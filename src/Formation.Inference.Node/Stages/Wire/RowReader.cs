using System.Runtime.InteropServices;
using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Node.Stages.Wire;

/// <summary>Reads the rows at the end of a frame: float32 straight to where they are computed, others by way of one buffer.</summary>
internal sealed class RowReader
{
    byte[] _encoded = [];

    /// <summary>Reads the rows that the frame still has, and ends it.</summary>
    /// <param name="rows">Checked against the limits by the caller; the frame must have exactly so many.</param>
    /// <exception cref="StageProtocolException">There are more or fewer, or a value is not finite.</exception>
    public void Read(FrameReader reader, ActivationPrecision precision, int rows, Activations activations)
    {
        var bytes = (long)rows * RowCodec.RowBytes(precision, activations.Width);
        if (bytes != reader.Remaining)
        {
            throw new StageProtocolException(
                StageErrorCode.WrongShape, $"{rows} rows have {bytes} bytes; the frame has {reader.Remaining} left");
        }
        activations.SetRows(rows);
        if (precision == ActivationPrecision.F32)
        {
            reader.Read(MemoryMarshal.AsBytes(activations.Values));
            reader.EndFrame();
        }
        else
        {
            if (_encoded.Length < bytes)
                _encoded = new byte[bytes];
            var encoded = _encoded.AsSpan(0, (int)bytes);
            reader.Read(encoded);
            reader.EndFrame();
            RowCodec.Decode(precision, encoded, activations.Width, activations.Values);
        }
        if (!RowCodec.IsFinite(activations.Values))
            throw new StageProtocolException(StageErrorCode.NotFinite, "a row holds a value that is not finite");
    }
}
