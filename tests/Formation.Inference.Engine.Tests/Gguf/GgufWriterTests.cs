using Formation.Inference.Engine.Gguf;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Testing.Files;

namespace Formation.Inference.Engine.Tests.Gguf;

public sealed class GgufWriterTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("line\nbreak")]
    [InlineData("schlüssel")]
    public void A_key_or_name_that_the_reader_would_refuse_is_refused(string name)
    {
        var writer = new GgufWriter();

        Assert.Throws<ArgumentException>(() => writer.Add(name, 1));
        Assert.Throws<ArgumentException>(() => writer.AddTensor(name, TensorType.F32, [1], new byte[4]));
    }

    [Fact]
    public void A_name_that_is_there_already_is_refused()
    {
        var writer = new GgufWriter();
        writer.Add("key", 1);
        writer.AddTensor("tensor", TensorType.F32, [1], new byte[4]);

        Assert.Throws<ArgumentException>(() => writer.Add("key", "other"));
        Assert.Throws<ArgumentException>(() => writer.AddTensor("tensor", TensorType.F32, [1], new byte[4]));
    }

    [Fact]
    public void The_alignment_is_given_once()
    {
        Assert.Throws<ArgumentException>(() => new GgufWriter().Add("general.alignment", 64u));
        Assert.Throws<ArgumentOutOfRangeException>(() => new GgufWriter(24));
        Assert.Throws<ArgumentOutOfRangeException>(() => new GgufWriter(0));
    }

    [Fact]
    public void A_shape_that_does_not_fit_type_or_bytes_is_refused_and_leaves_no_trace()
    {
        var writer = new GgufWriter();

        Assert.Throws<ArgumentException>(() => writer.AddTensor("t", TensorType.F32, [2], new byte[4]));
        Assert.Throws<ArgumentException>(() => writer.AddTensor("t", TensorType.F32, [], new byte[4]));
        Assert.Throws<ArgumentException>(() => writer.AddTensor("t", TensorType.F32, [1, 0], new byte[4]));
        Assert.Throws<ArgumentException>(() => writer.AddTensor("t", TensorType.F32, [1, 1, 1, 1, 1], new byte[4]));
        Assert.ThrowsAny<ArgumentException>(() => writer.AddTensor("t", TensorType.Q4_0, [33], new byte[18]));
        Assert.ThrowsAny<ArgumentException>(() => writer.AddTensor("t", (TensorType)4, [32], new byte[18]));
        writer.AddTensor("t", TensorType.F32, [1], new byte[4]);
    }

    [Fact]
    public void An_array_that_the_format_does_not_have_is_refused()
    {
        var writer = new GgufWriter();

        Assert.Throws<ArgumentException>(() => writer.Add("key", new decimal[1]));
        Assert.Throws<ArgumentException>(() => writer.Add("key", new int[1, 1]));
        Assert.Throws<ArgumentNullException>(() => writer.Add("key", new string[1]));
        Assert.Throws<ArgumentException>(() => writer.Add("key", new int[][][][][] { [[[[1]]]] }));
    }

    [Fact]
    public void A_tensor_that_writes_another_number_of_bytes_leaves_no_file()
    {
        var writer = new GgufWriter();
        writer.AddTensor("t", TensorType.F32, [2], stream => stream.Write(new byte[7]));

        var error = Assert.Throws<InvalidOperationException>(() => writer.Write(_folder.File("m.gguf")));
        Assert.Contains("7 bytes", error.Message);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void A_failed_write_leaves_the_earlier_file_as_it_was()
    {
        var path = _folder.File("m.gguf");
        new GgufWriter().Write(path);
        var before = File.ReadAllBytes(path);
        var writer = new GgufWriter();
        writer.AddTensor("t", TensorType.F32, [2], _ => throw new IOException("no room"));

        Assert.Throws<IOException>(() => writer.Write(path));
        Assert.Equal(before, File.ReadAllBytes(path));
    }
}
